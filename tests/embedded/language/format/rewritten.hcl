locals {
a = "${ { a = 1 } }"
b = "${~ x ~}"
c = "${"in  ${ x } ner"}"
}
service plain {
}
