locals {
a = <<EOT
  x   y
EOT
bb = <<-EOT
      x
    EOT
c = 1
d = foo(<<EOT
 x
EOT
, 1)
}
