//! The server as its users see it: real sockets on port 0, the simulated market or a simulated venue behind it.

mod client;
mod decode;
mod feed;
mod http;
mod limits;
mod resume;
mod shutdown;
mod stream;
