// With node:test, and nothing else: the project as it stands, with config of the test's own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startThingsBoard } from "pulumi-thingsboard/testing";

let thingsboard;
before(async () => {
    thingsboard = await startThingsBoard();
});
after(() => thingsboard.stop());

test("the project deploys, and has nothing to do the second time", async () => {
    const { outputs, changes } = await thingsboard.up({ workDir: import.meta.dirname }, { config: { site: "Hall 3" } });
    assert.ok(changes.create > 8);
    assert.equal((await thingsboard.device("pump-2")).label, "Pump, Hall 3");
    assert.deepEqual(await thingsboard.publishAs("pump-2", outputs.pump2).then(({ cause }) => cause), "accepted");
    await thingsboard.expectNoChanges();
});

test("another site is one update of each device", async () => {
    const { changes } = await thingsboard.preview(undefined, { config: { site: "Hall 4" } });
    assert.equal(changes.update, 2);
});
