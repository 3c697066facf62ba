a=1
bcd   =   2 # one
e = 3        # two

# apart
f = [
1,
 2,
]
gh = 4
i    = {
x=1
yy=2 // c
}
j = 5 /* k */
