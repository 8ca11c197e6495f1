// Made by bindgen from glibc's <nss.h> and <netdb.h>; see tests/abi.rs. Do not edit.
pub const HOST_NOT_FOUND: i32 = 1;
pub const NETDB_INTERNAL: i32 = -1;
pub const NETDB_SUCCESS: i32 = 0;
pub type __socklen_t = core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct hostent {
    pub h_name: *mut core::ffi::c_char,
    pub h_aliases: *mut *mut core::ffi::c_char,
    pub h_addrtype: core::ffi::c_int,
    pub h_length: core::ffi::c_int,
    pub h_addr_list: *mut *mut core::ffi::c_char,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of hostent"][::core::mem::size_of::<hostent>() - 32usize];
    ["Alignment of hostent"][::core::mem::align_of::<hostent>() - 8usize];
    ["Offset of field: hostent::h_name"][::core::mem::offset_of!(hostent, h_name) - 0usize];
    ["Offset of field: hostent::h_aliases"][::core::mem::offset_of!(hostent, h_aliases) - 8usize];
    ["Offset of field: hostent::h_addrtype"]
        [::core::mem::offset_of!(hostent, h_addrtype) - 16usize];
    ["Offset of field: hostent::h_length"][::core::mem::offset_of!(hostent, h_length) - 20usize];
    ["Offset of field: hostent::h_addr_list"]
        [::core::mem::offset_of!(hostent, h_addr_list) - 24usize];
};
impl nss_status {
    pub const NSS_STATUS_TRYAGAIN: nss_status = nss_status(-2);
    pub const NSS_STATUS_UNAVAIL: nss_status = nss_status(-1);
    pub const NSS_STATUS_NOTFOUND: nss_status = nss_status(0);
    pub const NSS_STATUS_SUCCESS: nss_status = nss_status(1);
    pub const NSS_STATUS_RETURN: nss_status = nss_status(2);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct nss_status(pub core::ffi::c_int);
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gaih_addrtuple {
    pub next: *mut gaih_addrtuple,
    pub name: *mut core::ffi::c_char,
    pub family: core::ffi::c_int,
    pub addr: [u32; 4usize],
    pub scopeid: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of gaih_addrtuple"][::core::mem::size_of::<gaih_addrtuple>() - 40usize];
    ["Alignment of gaih_addrtuple"][::core::mem::align_of::<gaih_addrtuple>() - 8usize];
    ["Offset of field: gaih_addrtuple::next"]
        [::core::mem::offset_of!(gaih_addrtuple, next) - 0usize];
    ["Offset of field: gaih_addrtuple::name"]
        [::core::mem::offset_of!(gaih_addrtuple, name) - 8usize];
    ["Offset of field: gaih_addrtuple::family"]
        [::core::mem::offset_of!(gaih_addrtuple, family) - 16usize];
    ["Offset of field: gaih_addrtuple::addr"]
        [::core::mem::offset_of!(gaih_addrtuple, addr) - 20usize];
    ["Offset of field: gaih_addrtuple::scopeid"]
        [::core::mem::offset_of!(gaih_addrtuple, scopeid) - 36usize];
};
pub type nss_endhostent = ::core::option::Option<unsafe extern "C" fn() -> nss_status>;
pub type nss_gethostbyaddr_r = ::core::option::Option<
    unsafe extern "C" fn(
        arg1: *const core::ffi::c_void,
        arg2: __socklen_t,
        arg3: core::ffi::c_int,
        arg4: *mut hostent,
        arg5: *mut core::ffi::c_char,
        arg6: usize,
        arg7: *mut core::ffi::c_int,
        arg8: *mut core::ffi::c_int,
    ) -> nss_status,
>;
pub type nss_gethostbyname2_r = ::core::option::Option<
    unsafe extern "C" fn(
        arg1: *const core::ffi::c_char,
        arg2: core::ffi::c_int,
        arg3: *mut hostent,
        arg4: *mut core::ffi::c_char,
        arg5: usize,
        arg6: *mut core::ffi::c_int,
        arg7: *mut core::ffi::c_int,
    ) -> nss_status,
>;
pub type nss_gethostbyname3_r = ::core::option::Option<
    unsafe extern "C" fn(
        arg1: *const core::ffi::c_char,
        arg2: core::ffi::c_int,
        arg3: *mut hostent,
        arg4: *mut core::ffi::c_char,
        arg5: usize,
        arg6: *mut core::ffi::c_int,
        arg7: *mut core::ffi::c_int,
        arg8: *mut i32,
        arg9: *mut *mut core::ffi::c_char,
    ) -> nss_status,
>;
pub type nss_gethostbyname4_r = ::core::option::Option<
    unsafe extern "C" fn(
        arg1: *const core::ffi::c_char,
        arg2: *mut *mut gaih_addrtuple,
        arg3: *mut core::ffi::c_char,
        arg4: usize,
        arg5: *mut core::ffi::c_int,
        arg6: *mut core::ffi::c_int,
        arg7: *mut i32,
    ) -> nss_status,
>;
pub type nss_gethostbyname_r = ::core::option::Option<
    unsafe extern "C" fn(
        arg1: *const core::ffi::c_char,
        arg2: *mut hostent,
        arg3: *mut core::ffi::c_char,
        arg4: usize,
        arg5: *mut core::ffi::c_int,
        arg6: *mut core::ffi::c_int,
    ) -> nss_status,
>;
pub type nss_gethostent_r = ::core::option::Option<
    unsafe extern "C" fn(
        arg1: *mut hostent,
        arg2: *mut core::ffi::c_char,
        arg3: usize,
        arg4: *mut core::ffi::c_int,
        arg5: *mut core::ffi::c_int,
    ) -> nss_status,
>;
pub type nss_sethostent =
    ::core::option::Option<unsafe extern "C" fn(arg1: core::ffi::c_int) -> nss_status>;
