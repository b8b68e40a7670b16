// SPDX-License-Identifier: Apache-2.0
// The keys of linux.sysctl: their grammar, and the namespace that a kernel parameter belongs to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "spec/spec.hpp"

namespace bulkhead::spec {

// The path of a key of sysctl(8) below /proc/sys: "net.ipv4.conf.eth0/1.mtu" and "net/ipv4/conf/eth0.1/mtu"
// are both "net/ipv4/conf/eth0.1/mtu". The first separator is the one that separates. nullopt if it is no
// key: each component is made of letters, digits and "_.:@-", and is not empty, "." or "..".
std::optional<std::string> kernel_parameter_path(std::string_view key);

// The type of namespace that has the parameter to itself; nullopt if the whole machine shares it.
std::optional<NamespaceType> namespace_of_parameter(std::string_view path);

// The reason why a parameter cannot be set if the namespace is the host's, in runc's words: they follow the
// quoted key.
std::string_view shared_with_host(std::optional<NamespaceType> type);

}  // namespace bulkhead::spec
