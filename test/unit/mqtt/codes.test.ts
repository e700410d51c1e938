import { expect, it } from "vitest";
import { codeText, reason } from "../../../sdk/mqtt/codes";

it.each([
    ["5", "connack", 0x87, "0x87, Not authorized"],
    ["5", "puback", 0x10, "0x10, No matching subscribers"],
    ["5", "disconnect", 0x8e, "0x8E, Session taken over"],
    ["5", "disconnect", 0, "0x00, Normal disconnection"],
    ["5", "connack", 0, "0x00, Success"],
    ["3.1.1", "connack", 2, "2, Identifier rejected"],
    ["3.1.1", "connack", 0, "0, Connection accepted"],
    ["3.1.1", "puback", 0, "0, Success"],
    ["5", "connack", 0x7f, "0x7F, a code that MQTT does not define"],
    ["3.1.1", "connack", 0x87, "135, a code that MQTT does not define"],
] as const)("MQTT %s, %s: %i is %s", (version, packet, code, text) => {
    expect(codeText(version, reason(packet, version, code))).toBe(text);
});
