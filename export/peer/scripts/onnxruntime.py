try:
    import onnxruntime as ort
except ImportError as e:
    sys.exit(f"{e}: pip install onnxruntime")

options = ort.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
options.log_severity_level = 3
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
image = session.get_inputs()[0]
names = [o.name for o in session.get_outputs()]
serve({"runtime": "onnxruntime " + ort.__version__, "layout": "NCHW", "outputs": names}, image.shape[1:],
      lambda x: session.run(names, {image.name: x}))
