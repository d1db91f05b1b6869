//! Which permission each method asks for, read once from the descriptors of the contracts. A service
//! that mounts a method without one does not start.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{DescriptorPool, MethodDescriptor, Value};

/// Full name of the option that carries a method's permission.
const PERMISSION_OPTION: &str = "redress.options.v1.permission";

/// Why no table could be made.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The descriptors cannot be read.
    #[error("the compiled-in descriptors cannot be read: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// A mounted service is not in the descriptors.
    #[error("the service {0} has no descriptor; add its .proto file to proto/redress")]
    UnknownService(String),
    /// A method says nothing about who may call it.
    #[error(
        "the method {0} names no permission; add `option (redress.options.v1.permission)` to it"
    )]
    NoPermission(String),
}

/// What the gate needs to know about a method before its handler runs.
#[derive(Debug, Clone)]
pub struct Method {
    /// `package.Service/Method`, as telemetry names it.
    pub full_name: Arc<str>,
    /// The permission that the caller needs.
    pub permission: Arc<str>,
    /// Whether the caller sends a stream.
    pub client_streams: bool,
    /// Whether the answer is a stream.
    pub server_streams: bool,
}

impl Method {
    /// Whether a call lasts as long as the caller wants.
    pub fn streams(&self) -> bool {
        self.client_streams || self.server_streams
    }
}

/// Methods by path.
#[derive(Debug, Clone, Default)]
pub struct MethodTable(HashMap<String, Method>);

impl MethodTable {
    /// Reads the methods of these services (full names).
    ///
    /// # Errors
    /// When a service has no descriptor or a method no permission.
    pub fn read<'a>(
        descriptors: &[u8],
        services: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, TableError> {
        let pool = DescriptorPool::decode(descriptors)?;
        let mut table = HashMap::new();
        for name in services {
            let service = pool
                .get_service_by_name(name)
                .ok_or_else(|| TableError::UnknownService(name.to_owned()))?;
            for method in service.methods() {
                let full_name = format!("{name}/{}", method.name());
                let permission = permission(&pool, &method)
                    .ok_or_else(|| TableError::NoPermission(full_name.clone()))?;
                table.insert(
                    format!("/{full_name}"),
                    Method {
                        full_name: full_name.into(),
                        permission: permission.into(),
                        client_streams: method.is_client_streaming(),
                        server_streams: method.is_server_streaming(),
                    },
                );
            }
        }
        Ok(Self(table))
    }

    /// The method behind a request path.
    pub fn get(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }
}

/// The permission that a method's options name, where they do.
fn permission(pool: &DescriptorPool, method: &MethodDescriptor) -> Option<String> {
    let option = pool.get_extension_by_name(PERMISSION_OPTION)?;
    match method.options().get_extension(&option).as_ref() {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redress_proto::FILE_DESCRIPTOR_SET;

    #[test]
    fn methods_carry_their_permission() {
        let table = MethodTable::read(FILE_DESCRIPTOR_SET, ["redress.event.v1.InboxService"])
            .expect("complete");
        let deliver = table
            .get("/redress.event.v1.InboxService/Deliver")
            .expect("known");
        assert_eq!(&*deliver.permission, "events.deliver");
        assert!(!deliver.streams());
    }

    #[test]
    fn a_method_without_permission_is_refused() {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("readable");
        let mut set = prost_reflect::prost_types::FileDescriptorSet {
            file: pool
                .files()
                .map(|f| f.file_descriptor_proto().clone())
                .collect(),
        };
        for file in &mut set.file {
            for service in &mut file.service {
                for method in &mut service.method {
                    method.options = None;
                }
            }
        }
        let bytes = prost::Message::encode_to_vec(&set);
        let error =
            MethodTable::read(&bytes, ["redress.event.v1.InboxService"]).expect_err("no option");
        assert!(
            error
                .to_string()
                .contains("InboxService/Deliver names no permission")
        );
    }

    #[test]
    fn an_unknown_service_is_refused() {
        let error = MethodTable::read(FILE_DESCRIPTOR_SET, ["redress.NoService"])
            .expect_err("not described");
        assert!(matches!(error, TableError::UnknownService(_)));
    }
}
