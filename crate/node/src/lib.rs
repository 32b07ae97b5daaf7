//! brood behind Node-API: translation only.
