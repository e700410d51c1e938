// What docs/questions.md says of the cost, of a lost state, and of leaving again.

import { afterAll, beforeAll, expect, test } from "vitest";
import { own } from "./support/live";
import { tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

const [single, member] = [own("leaving-1"), own("leaving-2")];

const program = (fleet: { readonly batches?: number; readonly onRemove?: "keep" }, keep: { readonly onDelete?: "keep" } = {}) => async () => {
    const device = new tb.Device(single, { name: single, ...keep });
    const certificate = new tb.DeviceCertificate(single, { commonName: single });
    const credential = new tb.DeviceCredential(single, { device, certificate, ...keep });
    new tb.PublishCheck(single, { credential, certificate });
    new tb.DeviceFleet("fleet", { devices: [member], publishCheck: "none", ...fleet });
};

const seen = () =>
    Promise.all([single, member].map(async name => {
        const { id } = (await server.deviceByName(name))!;
        const { credentialsType, credentialsId } = await server.credentials(id.id);
        return { id: id.id, credentialsType, credentialsId };
    }));

test("seven resources a device and 34 a fleet; a lost state is found again by its marks; what is kept outlives destroy", async () => {
    const name = own("leaving");
    const first = await testStack(server, program({}), name);
    expect((await first.preview()).changes).toEqual({ create: 1 + 7 + 34 });
    first.program = program({ batches: 1 });
    await first.up();
    const before = await seen();

    // The same project, stack and program, and nothing in the state.
    const second = await testStack(server, program({ batches: 1 }), name);
    await second.up();
    const after = await seen();
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    for (const [index, { credentialsType, credentialsId }] of after.entries()) {
        expect(credentialsType).toBe("X509_CERTIFICATE");
        expect(credentialsId).not.toBe(before[index]!.credentialsId);
    }

    second.program = program({ batches: 1, onRemove: "keep" }, { onDelete: "keep" });
    await second.up();
    await second.destroy();
    expect(await second.resources()).toEqual([]);
    expect(await seen()).toEqual(after);
});
