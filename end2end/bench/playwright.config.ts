// The measuring runs: the same browser and flags as the tests, without a timeout.
import base from "../playwright.config";

export default { ...base, testDir: ".", testMatch: "*.bench.ts", timeout: 0 };
