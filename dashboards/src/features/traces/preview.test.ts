import { expect, test } from "vitest";
import { previewText } from "./preview";

test.each([
  [null, undefined],
  ["Where is my parcel?", "Where is my parcel?"],
  ['{"order":1}', '{"order":1}'],
  ['[{"role":"user","parts":[{"type":"text","content":"Hi \\"you\\""}]}]', 'Hi "you"'],
  [
    '[{"role":"system","parts":[{"type":"text","content":"Be kind"}]},{"role":"user","content":"Hello"}]',
    "Hello",
  ],
  ['[{"role":"system","parts":[{"type":"text","content":"Be ki', "Be ki"],
  ['[{"role":"user","parts":[{"type":"text","content":"caf\\u00', "caf"],
  [
    '[{"role":"assistant","parts":[{"type":"tool_call","id":"1"',
    '[{"role":"assistant","parts":[{"type":"tool_call","id":"1"',
  ],
])("the preview %j shows %j", (preview, text) => expect(previewText(preview)).toBe(text));
