import dataclasses

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.data.atoms.fingerprint import fingerprint


def test_of_a_type_whose_folder_is_not_named_in_utf8():
    carbon = builtin_carbon().subset([0])
    odd = "caf" + b"\xe9".decode(errors="surrogateescape")
    both = [dataclasses.replace(carbon, types=[name]) for name in (odd, "caf\xe9")]
    assert len(set(map(fingerprint, both))) == 2
