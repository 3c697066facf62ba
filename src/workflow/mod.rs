//! The steps of a run as a library. The files of this folder are still modules of `cli`.
