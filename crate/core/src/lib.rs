//! Child processes without a stop, a race or a zombie: the part of brood that touches the kernel.
