# one
   # two
// three
/* four
   five */
locals { # six
# seven
   a = 1 # eight
bcdef = 2 // nine
   /* ten */ c = 3
d = 4 /* eleven */
e = [ # twelve
1, # thirteen
22, # fourteen
# fifteen
]
} # sixteen
# seventeen