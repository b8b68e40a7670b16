// SPDX-License-Identifier: Apache-2.0
// The tables of linux.seccomp (config-linux.md, "Seccomp").
#pragma once

#include "spec/reader.hpp"

namespace bulkhead::spec {

// SECCOMP_RET_DATA has 16 bits: an errno, or a number for a tracer.
inline Result<std::uint32_t> read_errno_ret(json::Value value) {
    return read_whole<std::uint32_t, 0, 0xffff>(value);
}

template <>
inline constexpr auto fields<SeccompArg> = std::array{
    field<&SeccompArg::index, read_whole<std::uint32_t, 0, 5>>("index", Need::required),
    field<&SeccompArg::value>("value", Need::required),
    field<&SeccompArg::value_two>("valueTwo"),
    field<&SeccompArg::op>("op", Need::required),
};

template <>
inline constexpr auto fields<SeccompSyscall> = std::array{
    field<&SeccompSyscall::names>("names", Need::required),
    field<&SeccompSyscall::action>("action", Need::required),
    field<&SeccompSyscall::errno_ret, read_errno_ret>("errnoRet"),
    field<&SeccompSyscall::args>("args"),
};

template <>
inline constexpr auto fields<Seccomp> = std::array{
    field<&Seccomp::default_action>("defaultAction", Need::required),
    field<&Seccomp::default_errno_ret, read_errno_ret>("defaultErrnoRet"),
    field<&Seccomp::architectures>("architectures"),
    field<&Seccomp::flags>("flags"),
    field<&Seccomp::listener_path>("listenerPath"),
    field<&Seccomp::listener_metadata>("listenerMetadata"),
    field<&Seccomp::syscalls>("syscalls"),
};

}  // namespace bulkhead::spec
