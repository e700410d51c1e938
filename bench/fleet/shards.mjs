export async function shardedFleet() { return undefined; }
