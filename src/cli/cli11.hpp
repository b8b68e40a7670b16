// SPDX-License-Identifier: Apache-2.0
// CLI11 without <iostream>. The static initialiser of that header (a locale, eight streams) costs 20 to 30 us
// at every start, a third of what `state` spends beyond the bare exec, and CLI11 wants it for default
// arguments of App::exit() only, which bulkhead never calls. With libstdc++ the two declarations are made
// without the header.
#pragma once

#include <istream>
#include <ostream>

#ifdef __GLIBCXX__
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,cert-dcl58-cpp)
#define _GLIBCXX_IOSTREAM 1
namespace std {
extern ostream cout;
extern ostream cerr;
}  // namespace std
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,cert-dcl58-cpp)
#endif

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
