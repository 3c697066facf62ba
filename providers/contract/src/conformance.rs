//! The laws every provider keeps, as a suite that a provider's tests run on it.
