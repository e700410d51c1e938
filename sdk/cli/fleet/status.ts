// What the states say of a fleet: no server is asked.
import type { FleetFlags } from "../fleet";
import { printJson } from "../frame/terminal";
import { type BatchInState, batchesOf, stackNames } from "./stacks";

interface StackStatus {
    readonly stack: string;
    readonly exists: boolean;
    readonly devices?: number;
    readonly failed?: number;
    readonly nextExpiry?: string;
}

export async function showStatus(flags: FleetFlags): Promise<void> {
    const rows: string[][] = [["stack", "devices", "failed", "next expiry"]];
    const totals = { devices: 0, failed: 0 };
    const shown: StackStatus[] = [];
    for (const stack of stackNames(flags)) {
        const batches = await batchesOf(flags.cwd, stack, "hidden");
        if (!batches) {
            rows.push([stack, "-", "-", "no such stack"]);
            shown.push({ stack, exists: false });
            continue;
        }
        const { devices, failed, nextExpiry } = sum(batches);
        shown.push({ stack, exists: true, devices, failed, ...(nextExpiry === undefined ? {} : { nextExpiry }) });
        totals.devices += devices;
        totals.failed += failed;
        rows.push([stack, devices.toLocaleString("en"), failed.toLocaleString("en"), nextExpiry ?? ""]);
    }
    if (flags.json) {
        printJson({ ...totals, stacks: shown });
        return;
    }
    if (rows.length > 2) rows.push(["all", totals.devices.toLocaleString("en"), totals.failed.toLocaleString("en"), ""]);
    console.log(table(rows));
}

function sum(batches: readonly BatchInState[]) {
    const expiries = batches.flatMap(({ summary }) => summary.nextExpiry ?? []).sort();
    return {
        devices: batches.reduce((total, { summary }) => total + summary.devices, 0),
        failed: batches.reduce((total, { summary }) => total + summary.failed, 0),
        nextExpiry: expiries[0],
    };
}

export function table(rows: readonly (readonly string[])[]): string {
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
    return rows.map(row => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join("  ").trimEnd()).join("\n");
}
