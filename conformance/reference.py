"""The reference: PDQ by the Python package pdqhash, which carries Meta's C++ at full resolution."""

import numpy
import pdqhash


def hex_of(vector):
    """The 256 bits of pdqhash, highest first, as 64 hexadecimal digits."""
    return numpy.packbits(numpy.asarray(vector, dtype=numpy.uint8)).tobytes().hex()


def hash_pixels(pixels):
    """(hash, quality) of an array of height x width x 3 bytes."""
    vector, quality = pdqhash.compute(numpy.ascontiguousarray(pixels))
    return hex_of(vector), quality


def hash_pixels_dihedral(pixels):
    """(eight hashes, quality)."""
    vectors, quality = pdqhash.compute_dihedral(numpy.ascontiguousarray(pixels))
    return [hex_of(vector) for vector in vectors], quality


def distance(one, other):
    """Bits that differ between two hexadecimal hashes."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
