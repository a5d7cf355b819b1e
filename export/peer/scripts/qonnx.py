try:
    import qonnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from importlib.metadata import version
except ImportError as e:
    sys.exit(f"{e}: pip install qonnx")

model = ModelWrapper(sys.argv[1])
graph = model.graph
image = graph.input[0].name
shape = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim][1:]
made = {o for n in graph.node for o in n.output}
names = [n for n in sys.argv[3:] if n in made]


def run(x):
    images = []
    for i in range(len(x)):  # the files for FPGAs hold one image
        tensors = execute_onnx(model, {image: x[i:i + 1].astype(np.float32)}, return_full_exec_context=True)
        images.append([np.asarray(tensors[n], np.float32) for n in names])
    return [np.concatenate(y) for y in zip(*images)]


serve({"runtime": "qonnx " + version("qonnx"), "layout": "NCHW", "centered": True, "outputs": names}, shape, run)
