"""A model that is exported in no time."""

import keras
import numpy as np
import tensorflow as tf

from csnn_tf.export import Request, Serving, serves


@keras.saving.register_keras_serializable(package="csnn_tf_tests")
class Doubler(keras.Model):
    def __init__(self, kind: str = "plain", names=(), **kwargs) -> None:
        super().__init__(**kwargs)
        self.kind, self.names = kind, names

    def call(self, inputs):
        return 2 * inputs

    def get_config(self):
        return {"kind": self.kind, "names": list(self.names)}


@serves(Doubler)
class DoublerServing(Serving):
    variables = ()

    @property
    def labels(self):
        return tuple(self.model.names)

    @property
    def _input(self):
        return "points" if self.model.kind == "points" else "x"

    def signatures(self):
        if self.model.kind == "other":
            return self._signatures() | {"tripled": self._signatures()["serving_default"]}
        return self._signatures()

    def _signatures(self):
        spec = tf.TensorSpec([None], tf.float32, name=self._input)

        @tf.function(jit_compile=True)
        def compiled(x):
            return 2 * x

        def double(x):
            if self.model.kind == "refuses":
                tf.debugging.Assert(tf.size(x) > 3, ["x: too short"])
            if self.model.kind == "python":
                return {"y": tf.numpy_function(lambda value: 2 * value, [x], tf.float32)}
            if self.model.kind == "halves":
                return {"y": self.model(x), "half": x / 2}
            return {"y": compiled(x) if self.model.kind == "compiled" else self.model(x)}

        return {"serving_default": tf.function(double, input_signature=[spec])}

    def examples(self):
        return [Request("serving_default", {self._input: np.ones(3, np.float32)})]

    def portable(self):
        raise NotImplementedError

    def card(self):
        return {"Input": "x"}

    def portable_card(self):
        return self.card()
