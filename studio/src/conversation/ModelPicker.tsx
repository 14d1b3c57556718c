/** Which model answers. */
export function ModelPicker() {
  return null;
}
