import type { GatewayEnv } from "../../worker/env.ts";
import type * as mainModule from "./entry.ts";

declare global {
  namespace Cloudflare {
    interface Env extends GatewayEnv {}
    interface GlobalProps {
      mainModule: typeof mainModule;
    }
  }
}
