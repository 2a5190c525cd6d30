import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from csnn_tf.electronic.groups import rows_by_label


@given(st.lists(st.sampled_from(["a", "b", "ab", ""]), max_size=12))
def test_every_label_has_its_rows(labels):
    labels = np.array(labels, dtype=str)
    found = rows_by_label(labels)
    assert list(found) == list(dict.fromkeys(labels.tolist()))
    for name, rows in found.items():
        np.testing.assert_array_equal(rows, np.flatnonzero(labels == name))
