//! One adapter for each form. They share nothing but the fields.

pub(super) mod aliyun;
pub(super) mod ffprobe;
pub(super) mod jd;
pub(super) mod mediaconvert;
pub(super) mod own;
pub(super) mod tencent;
