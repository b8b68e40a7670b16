// SPDX-License-Identifier: Apache-2.0
// linux.namespaces (config-linux.md, "Namespaces"): the entry of a type, of which validation allows one.
#pragma once

#include <algorithm>

#include "spec/spec.hpp"

namespace bulkhead::spec {

// New or joined; nullptr: the container has that of the runtime.
inline const Namespace* find_namespace(const Spec& spec, NamespaceType type) {
    const auto found = std::ranges::find(spec.linux.namespaces, type, &Namespace::type);
    return found == spec.linux.namespaces.end() ? nullptr : &*found;
}

}  // namespace bulkhead::spec
