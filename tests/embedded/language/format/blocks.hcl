resource   "a"   "b"{
x=1
nested{
y   = 2
  deep "l" {
z=3
}
}
empty {}
one { a=1 }
}


locals {

 a = 1


 bb = 2
}
