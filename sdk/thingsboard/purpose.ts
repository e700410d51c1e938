// What a call is for, and how the sentence begins that says why it failed.

export interface Purpose {
    /** What it is about: `device "pump-1"`. */
    readonly subject: string;
    /** What can't be done: `cannot bind the certificate`. */
    readonly complaint: string;
    /** Origin and path of the server. */
    readonly base: string;
    readonly credentials: "apiKey" | "password" | "none";
    /** Of ThingsBoard, where it is known. */
    readonly version?: string | undefined;
    /** Left out of what the server is quoted with. */
    readonly secrets: readonly string[];
}

export function sentence({ subject, complaint }: Purpose, what: string, remedy: string): string {
    return `${subject}: ${complaint}: ${what}: ${remedy}`;
}
