// Whose a device is, what two resources of one program want for themselves, and what somebody else has changed.

import { runtime } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { claim, claimedBy, heldBefore, noteHeldBefore } from "../../../sdk/reconcilers/claims";
import { changedElsewhere, driftFailures } from "../../../sdk/reconcilers/drift";
import { isOfStack, markOf, newMark, stackOf } from "../../../sdk/reconcilers/ownership";

describe("the mark on a device", () => {
    const marked = (pulumi: unknown) => ({ additionalInfo: { pulumi } });

    test("is read back as it was written", () => {
        for (const adopted of [true, false]) {
            const mark = newMark("project/stack/pump", adopted);
            expect(markOf(marked(JSON.parse(JSON.stringify(mark))))).toEqual(mark);
        }
        expect(newMark("a/b/c", false).claim).not.toBe(newMark("a/b/c", false).claim);
    });

    test.each([undefined, null, "text", 1, {}, { declaredBy: "a/b/c" }, { claim: "x" }, { declaredBy: 1, claim: "x" }, { declaredBy: "a/b/c", claim: 1 }])("is none of ours: %j", found => {
        expect(markOf(marked(found))).toBeUndefined();
        expect(isOfStack(marked(found), "a/b/c")).toBe(false);
    });

    test("is not there where there is no additional information", () => {
        expect(markOf({})).toBeUndefined();
        expect(markOf({ additionalInfo: null })).toBeUndefined();
    });

    test("counts as adopted only where it says so", () => {
        expect(markOf(marked({ declaredBy: "a/b/c", claim: "x" }))).toMatchObject({ adopted: false });
        expect(markOf(marked({ declaredBy: "a/b/c", claim: "x", adopted: "true" }))).toMatchObject({ adopted: false });
    });

    test("is of a stack whatever the resource's name is", () => {
        expect(stackOf("project/stack/a/b")).toBe("project/stack");
        const device = marked(newMark("project/stack/pump", false));
        expect(isOfStack(device, "project/stack/other/name")).toBe(true);
        expect(isOfStack(device, "project/stack-2/pump")).toBe(false);
        expect(isOfStack(device, "project-2/stack/pump")).toBe(false);
    });
});

describe("a claim", () => {
    test("is the first one's, however often it is made, and the other is told whose", () => {
        expect(claim("device name", "pump", "p/s/one", "the first")).toBeUndefined();
        expect(claim("device name", "pump", "p/s/one", "the first")).toBeUndefined();
        expect(claim("device name", "pump", "p/s/two", "the second")).toBe("the first");
        expect(claimedBy("device name", "pump")).toBe("the first");
    });

    test("is for one kind of thing", () => {
        claim("device name", "shared", "p/s/one", "one");
        expect(claim("device profile name", "shared", "p/s/two", "two")).toBeUndefined();
    });

    test("is given up with the next one of the same resource", () => {
        claim("certificate", "first", "p/s/one", "one");
        claim("certificate", "second", "p/s/one", "one");
        expect(claimedBy("certificate", "first")).toBeUndefined();
        expect(claim("certificate", "first", "p/s/two", "two")).toBeUndefined();
        expect(claimedBy("certificate", "second")).toBe("one");
    });

    test("of before this run is remembered by certificate", () => {
        noteHeldBefore("fingerprint", "p/s/one");
        expect(heldBefore("fingerprint")).toBe("p/s/one");
        expect(heldBefore("another")).toBeUndefined();
    });
});

describe("drift", () => {
    test("in words has what was found, and is nothing where nothing was", () => {
        expect(changedElsewhere({ label: '"a", was "b"', name: undefined })).toEqual({ changedElsewhere: { label: '"a", was "b"' } });
        expect(changedElsewhere({ name: undefined })).toEqual({});
    });

    const changed = { changedElsewhere: { label: '"a", was "b"', name: '"c", was "d"' } };

    test("stops a deployment only where that was asked for", () => {
        expect(driftFailures('device "pump"', changed, {})).toEqual([]);
        expect(driftFailures('device "pump"', changed, { onDrift: "repair" })).toEqual([]);
        expect(driftFailures('device "pump"', {}, { onDrift: "fail" })).toEqual([]);
        expect(driftFailures('device "pump"', changed, { onDrift: runtime.unknownValue as "fail" })).toEqual([]);
        expect(driftFailures('device "pump"', changed, { onDrift: "fail" })).toEqual([
            { property: "onDrift", reason: expect.stringContaining('device "pump" was changed on ThingsBoard, and onDrift is "fail": label is now "a", was "b"; name is now "c", was "d".') as string },
        ]);
    });

    test("another word for it is refused, changed or not", () => {
        for (const olds of [{}, changed]) {
            expect(driftFailures('device "pump"', olds, { onDrift: "ignore" as "fail" })).toEqual([{ property: "onDrift", reason: 'device "pump": onDrift is "ignore": expected "repair" or "fail"' }]);
        }
    });
});
