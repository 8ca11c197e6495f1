//! The environment store: the library on folders of its own, and the programs in a namespace.
