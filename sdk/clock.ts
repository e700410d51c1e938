// What time it is. Certificates expire in months: whoever tests a fleet's renewal can't wait for that.

/** Days (with a sign, perhaps with a fraction) by which this package's clock is ahead. For rehearsals and tests. */
export const clockVariable = "THINGSBOARD_CLOCK_OFFSET_DAYS";

export const millisecondsPerDay = 86_400_000;

/** How long that is, in whole days: `14 days`. */
export function daysInWords(milliseconds: number): string {
    const days = Math.floor(milliseconds / millisecondsPerDay);
    return days < 1 ? "less than a day" : `${days} day${days === 1 ? "" : "s"}`;
}

/** Renewal and the warnings about expiry go by this clock; certificates are issued by the TLS provider's own. */
export function now(): Date {
    const days = Number(process.env[clockVariable] ?? 0);
    return new Date(Date.now() + (Number.isFinite(days) ? days * millisecondsPerDay : 0));
}
