locals {
a = [{
b = 1
}, {
c = 2
}]
d = foo(bar(
1,
2
), 3)
e = merge({
x = 1
}, {
yy = 2
})
f = [
[
1
],
[2]]
g = (
1 +
2
)
h = cond ? {
a = 1
} : {
b = 2
}
}
