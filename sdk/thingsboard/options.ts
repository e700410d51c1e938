// Where ThingsBoard is and who is asking, checked before anything is sent.

/** An API key (ThingsBoard 4.3 and later), or user and password. */
export type Credentials = { readonly apiKey: string } | { readonly username: string; readonly password: string };

export interface ConnectionOptions {
    /** Where the web interface is: `https://eu.thingsboard.cloud`. May have a path. */
    readonly url: string;
    readonly credentials: Credentials;
    /** The CA certificates to trust, instead of the public ones. */
    readonly caPem?: string | undefined;
    /** Requests per second. Default: 25, and 900 per minute, on ThingsBoard Cloud; elsewhere unlimited. */
    readonly rateLimit?: number | undefined;
    /** Calls in flight, counted over the whole process for one server. Default 8. */
    readonly concurrency?: number | undefined;
    /** How many of them may delete devices. Default 4: sixteen stop a ThingsBoard for half a minute. */
    readonly deleteConcurrency?: number | undefined;
    /** Seconds that one request may take. Default 30. */
    readonly timeout?: number | undefined;
    /** Lets keys and passwords travel unencrypted to another machine. Default false. */
    readonly allowInsecureHttp?: boolean | undefined;
}
