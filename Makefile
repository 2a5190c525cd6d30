# Two commands: `make demo` and `make test`. Both make .venv on their first call and only then.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := demo
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test long fuzz soak lowest lint clean

$(INSTALLED): setup.py pyproject.toml
	@echo "Installing into $(VENV), once; it takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
# Twice quiet: setuptools warns of the two folders that are mapped into the package.
	$(BIN)/python -m pip install --quiet --quiet -e '.[test,serving-test]'
	touch $@

demo: $(INSTALLED)
	rm -rf $(DEMO)
	$(BIN)/csnn-tf train shapes --recipe quick --set per_class=100 --rotation so3 \
	    --out $(DEMO)/run
	$(BIN)/csnn-tf evaluate $(DEMO)/run --rotation so3 --per-class 50
	$(BIN)/csnn-tf data shapes $(DEMO)/shapes --per-class 2
	$(BIN)/csnn-tf predict $(DEMO)/run $(DEMO)/shapes/airplane/test/0000.npy \
	    $(DEMO)/shapes/mug/test/0000.npy
	$(BIN)/csnn-tf export $(DEMO)/run $(DEMO)/served --name shapes
	@echo
	@echo "The run (models, history, configuration) is in $(DEMO)/run,"
	@echo "shapes to look at are in $(DEMO)/shapes, the SavedModel to serve is in $(DEMO)/served."

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Most of a test's time is one core's, so files of tests share out among a few processes.
SHARED := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Where the numbers of layers and models are tested, on both backends.
NUMBERS := tests/grid tests/layers tests/models tests/electronic tests/test_numerics.py \
    tests/test_testing.py tests/test_convert.py
# All else, and JAX, which compiles hundreds of functions: without LLVM's optimisations, which take
# longer than what they save in a test. JAX compiles operation by operation, with XLA's older
# emitters in two thirds of the time; versions that do not know their flag go without.
UNOPTIMISED := --xla_backend_optimization_level=0
EMITTERS := --xla_cpu_use_fusion_emitters=false
USES_XLA := import jax, tensorflow; jax.devices(); \
    tensorflow.function(lambda: 1.0, jit_compile=True)()
OLDER_EMITTERS = $(eval OLDER_EMITTERS := $(shell XLA_FLAGS=$(EMITTERS) \
    $(BIN)/python -c '$(USES_XLA)' > /dev/null 2>&1 && echo $(EMITTERS)))$(OLDER_EMITTERS)
test: lint
	$(BIN)/python -m pytest $(SHARED) $(NUMBERS)
	XLA_FLAGS="$$XLA_FLAGS $(UNOPTIMISED) $(OLDER_EMITTERS)" \
	    $(BIN)/python -m pytest $(SHARED) $(NUMBERS:%=--ignore=%)
	XLA_FLAGS="$$XLA_FLAGS $(UNOPTIMISED) $(OLDER_EMITTERS)" KERAS_BACKEND=jax \
	    $(BIN)/python -m pytest $(SHARED) $(NUMBERS) $(LONG_ON_JAX:%=--ignore=%)

# What compiles for minutes on JAX: the models that are only compared with, whose layers are tested
# there, and what only exports need, which TensorFlow makes. They themselves are in `make long`.
LONG_ON_JAX := tests/models/test_baseline_classifiers.py tests/models/test_baseline_dos.py \
    tests/models/test_inference_network.py

# All tests. `make test` leaves out those that take longest: what kills processes or lets several
# train, fills memory, runs the notebook, or is a second form of what is tested there.
long:
	CSNN_TF_EVERY=1 $(MAKE) test LONG_ON_JAX=

# Generated cases by the thousand, every truncation of every kind of file, and killed runs.
fuzz: $(INSTALLED)
	CSNN_TF_FUZZ_EXAMPLES=$${CSNN_TF_FUZZ_EXAMPLES:-1000} $(BIN)/python -m pytest tests/fuzz
	CSNN_TF_KILLS=$${CSNN_TF_KILLS:-20} $(BIN)/python -m pytest tests/test_atomic_files.py \
	    tests/training/test_resume.py tests/training/test_dos_resume.py \
	    tests/training/test_distribution.py

# A million predictions and ten thousand epochs, in memory that must stay flat.
soak: $(INSTALLED)
	CSNN_TF_SOAK_SHAPES=$${CSNN_TF_SOAK_SHAPES:-1000000} \
	    CSNN_TF_SOAK_EPOCHS=$${CSNN_TF_SOAK_EPOCHS:-10000} $(BIN)/python -m pytest -s tests/soak

# The least versions that setup.py asks for, in an environment of their own. Old packages warn of
# each other.
LOWEST := .venv-lowest
lowest:
	$(PYTHON) -m venv $(LOWEST)
	sed -n '/install_requires/,/\],/s/.*"\(.*\)>=\(.*\)",/\1==\2/p' setup.py > $(LOWEST)/versions.txt
	$(LOWEST)/bin/python -m pip install --quiet --quiet -e '.[plot]' pytest hypothesis \
	    -c $(LOWEST)/versions.txt
	XLA_FLAGS="$$XLA_FLAGS $(UNOPTIMISED)" $(LOWEST)/bin/python -m pytest \
	    -o filterwarnings=default --disable-warnings $(NUMBERS) tests/data tests/training \
	    tests/test_checks.py tests/test_inference.py tests/test_dos_inference.py \
	    tests/test_evaluation.py

clean:
	rm -rf $(VENV) $(LOWEST) $(DEMO) build *.egg-info
