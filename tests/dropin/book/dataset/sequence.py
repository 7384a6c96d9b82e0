import numpy

id_to_char = dict(enumerate("0123456789+ _"))


def load_data(count, seed=3):
    numpy.random.seed(seed)
    x = numpy.zeros((count, 5), dtype=numpy.int)
    t = numpy.zeros((count, 4), dtype=numpy.int)
    for n, (a, b) in enumerate(numpy.random.randint(0, 100, (count, 2))):
        x[n] = ["0123456789+ _".index(c) for c in ("%d+%d" % (a, b)).ljust(5)]
        t[n] = ["0123456789+ _".index(c) for c in ("_%d" % (a + b)).ljust(4)]
    return x, t
