// The counts at the top; each of them shows its devices alone.

import type { Report } from "../model";
import type { Filter } from "./table";

interface Tile {
    readonly name: string;
    readonly count: number;
    readonly kind: "" | "good" | "warn" | "bad";
    readonly wanted?: Filter;
}

export function showTiles({ summary, rows }: Report, show: (wanted: Filter | undefined, name: string) => void): void {
    const { standing, checks } = summary;
    const tiles: Tile[] = [
        { name: "devices", count: summary.devices, kind: "" },
        { name: "valid", count: standing.valid, kind: "good", wanted: row => row.standing === "valid" },
        { name: "due", count: standing.due, kind: "warn", wanted: row => row.standing === "due" },
        { name: "expired", count: standing.expired, kind: "bad", wanted: row => row.standing === "expired" },
        ...(standing.unknown === 0 ? [] : [{ name: "unknown", count: standing.unknown, kind: "warn" as const, wanted: (row => row.standing === "unknown") as Filter }]),
        { name: "drift", count: summary.drifted, kind: "warn", wanted: row => row.drift !== undefined },
        ...(summary.failed === 0 ? [] : [{ name: "unfinished", count: summary.failed, kind: "bad" as const, wanted: (row => row.failed !== undefined) as Filter }]),
        ...(checks.accepted + checks.refused === 0 ? [] : [{ name: "refused", count: checks.refused, kind: "bad" as const, wanted: (row => row.check?.outcome === "refused") as Filter }]),
        ...(summary.neverSeen === undefined ? [] : [{ name: "never seen", count: summary.neverSeen, kind: "warn" as const, wanted: (row => row.server !== undefined && row.server.lastConnect === undefined) as Filter }]),
    ];
    const row = document.querySelector("#tiles")!;
    const buttons = tiles.map(({ name, count, kind, wanted }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = `tile ${count === 0 ? "" : kind}`;
        const [number, label] = [document.createElement("strong"), document.createElement("span")];
        [number.textContent, label.textContent] = [count.toLocaleString(), name];
        button.append(number, " ", label);
        button.setAttribute("aria-pressed", String(wanted === undefined));
        button.addEventListener("click", () => {
            for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
            show(wanted, wanted === undefined ? "" : name);
        });
        return button;
    });
    row.append(...buttons);
    document.body.classList.toggle("empty", rows.length === 0);
}
