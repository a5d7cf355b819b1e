try:
    import openvino as ov
except ImportError as e:
    sys.exit(f"{e}: pip install openvino")

model = ov.Core().read_model(sys.argv[1])
compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": int(sys.argv[2]), "INFERENCE_PRECISION_HINT": "f32"})
shape = [d.get_length() for d in list(compiled.inputs[0].partial_shape)[1:]]
names = [o.get_any_name() for o in compiled.outputs]
known = [set(o.get_names()) for o in compiled.outputs]
names = [next((n for n in k if n in sys.argv[3:]), name) for name, k in zip(names, known)]


def run(x):
    result = compiled(x)
    return [result[i] for i in range(len(names))]


serve({"runtime": "openvino " + ov.__version__.split("-")[0], "layout": "NCHW", "outputs": names}, shape, run)
