import type { GatewayEnv } from "../../worker/env.ts";

declare global {
  namespace Cloudflare {
    interface Env extends GatewayEnv {}
    interface GlobalProps {
      mainModule: typeof import("./entry.ts");
    }
  }
}
