// The measuring runs: the same browser and flags as the tests, no time-out of their own.
import base from "../playwright.config";

export default { ...base, testDir: ".", testMatch: "*.bench.ts", timeout: 0 };
