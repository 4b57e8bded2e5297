//! One adapter per result format. They share only the field types.

pub(super) mod aliyun;
pub(super) mod ffprobe;
pub(super) mod jd;
pub(super) mod mediaconvert;
pub(super) mod own;
pub(super) mod tencent;
