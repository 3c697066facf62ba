locals {
a = foo ( 1,2 , 3 )
b = ! true
c = - 1
d = 1 -1
e = 1-  -1
f = [ for x in [1,2] : x ]
g = { for k , v in m : k=>v... if v!=-1 }
h = x [ 0 ] . y
i = a?b:c
j = (1+2)*3
k = [ ]
l = { }
m = {a=1,b=2}
n = foo(xs ...)
o = x.*.y
p = x[*].y
q = a&&!b||c
r = a==-1
s = [1,2][ 0 ]
t = foo(1)[0]
u = a<=b
v = 10%3
w = f({a=1})
x = [{a=1},{b=2}]
}
