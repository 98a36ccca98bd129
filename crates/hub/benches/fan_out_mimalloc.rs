//! The same measurements as `fan_out`, with the allocator of the server's binary instead of the system's.

#[path = "fan_out.rs"]
#[allow(dead_code, reason = "its own entry point is that of the other program")]
mod fan_out;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion::criterion_main!(fan_out::benches);
