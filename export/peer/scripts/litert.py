try:
    from ai_edge_litert.interpreter import Interpreter
    from importlib.metadata import version
except ImportError as e:
    sys.exit(f"{e}: pip install ai-edge-litert")

model = Interpreter(sys.argv[1], num_threads=int(sys.argv[2]), experimental_preserve_all_tensors=len(sys.argv) > 4)
model.allocate_tensors()
image = model.get_input_details()[0]
wanted = set(sys.argv[3:])
found = {t["name"]: t for t in model.get_tensor_details() if t["name"] in wanted and t["index"] != image["index"]}
names = list(found)
logits = model.get_output_details()[0]
if logits["name"] not in found:
    found["logits"] = logits
    names.append("logits")


def centered(t):
    y = model.get_tensor(t["index"])
    if y.dtype == np.int8:  # q - zero point, whatever the zero point of the file is
        y = y.astype(np.int16) - np.int16(t["quantization_parameters"]["zero_points"][0])
    return y


def run(x):
    images = []
    for i in range(len(x)):
        pixels = x[i:i + 1]
        if image["dtype"] == np.int8:
            pixels = (pixels.astype(np.int16) - 128).astype(np.int8)
        model.set_tensor(image["index"], pixels.reshape(image["shape"]))
        model.invoke()
        images.append([centered(found[n]) for n in names])
    return [np.concatenate(y) for y in zip(*images)]


serve({"runtime": "LiteRT " + version("ai-edge-litert"), "layout": "NHWC", "centered": True, "outputs": names}, list(image["shape"][1:]), run)
