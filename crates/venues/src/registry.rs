//! The list of venues: name, what it can do, how to make its session. One line an entry, alphabetical.
