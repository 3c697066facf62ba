locals {
a = "x ${ var.y }  z"
c = "%{ if x }a%{ else }b%{ endif }"
d = "$${ x } %%{ y }"
f = "a\"b  c"
long_name = "é ü 漢字"
h = 1
}
