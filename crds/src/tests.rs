use super::*;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

fn undescribed(path: &str, schema: &JSONSchemaProps, found: &mut Vec<String>) {
    if schema.description.is_none() {
        found.push(path.to_owned());
    }
    for (name, property) in schema.properties.iter().flatten() {
        undescribed(&format!("{path}.{name}"), property, found);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        for (name, property) in items.properties.iter().flatten() {
            undescribed(&format!("{path}[].{name}"), property, found);
        }
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        for (name, property) in values.properties.iter().flatten() {
            undescribed(&format!("{path}.*.{name}"), property, found);
        }
    }
}

fn unbounded(path: &str, schema: &JSONSchemaProps, found: &mut Vec<String>) {
    match schema.type_.as_deref() {
        Some("string") if schema.max_length.is_none() && schema.enum_.is_none() && schema.format.is_none() => {
            found.push(path.to_owned());
        }
        Some("array") if schema.max_items.is_none() => found.push(format!("{path}[]")),
        _ => {}
    }
    for (name, property) in schema.properties.iter().flatten() {
        unbounded(&format!("{path}.{name}"), property, found);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        unbounded(&format!("{path}[]"), items, found);
    }
}

fn root(crd: &CustomResourceDefinition) -> &JSONSchemaProps {
    crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap()
}

#[test]
fn every_field_is_described() {
    for crd in definitions() {
        let mut found = vec![];
        for part in ["spec", "status"] {
            undescribed(part, &root(&crd).properties.as_ref().unwrap()[part], &mut found);
        }
        assert_eq!(found, Vec::<String>::new(), "{}", crd.spec.names.kind);
    }
}

#[test]
fn every_list_and_string_of_a_spec_is_bounded() {
    for crd in definitions() {
        let mut found = vec![];
        unbounded("spec", &root(&crd).properties.as_ref().unwrap()["spec"], &mut found);
        found.retain(|path| !path.starts_with("spec.podSelector.match"));
        assert_eq!(found, Vec::<String>::new(), "{}", crd.spec.names.kind);
    }
}

#[test]
fn each_definition_stays_under_256_kib() {
    for crd in definitions() {
        assert!(serde_norway::to_string(&crd).unwrap().len() < 256 * 1024);
    }
}

#[test]
fn durations_are_read_as_gateway_api_writes_them() {
    for (text, expected) in [
        ("10s", Some(10_000)),
        ("1m30s", Some(90_000)),
        ("250ms", Some(250)),
        ("1h2m3s4ms", Some(3_723_004)),
        ("0s", Some(0)),
        ("", None),
        ("10", None),
        ("s", None),
        ("123456s", None),
        ("1h1h1h1h1h", None),
        ("-1s", None),
        ("1.5s", None),
        ("9ms9é", None),
    ] {
        assert_eq!(Duration(text.into()).milliseconds().ok(), expected, "{text}");
    }
}

fn property_names(schema: &JSONSchemaProps, names: &mut Vec<String>) {
    for (name, property) in schema.properties.iter().flatten() {
        names.push(name.clone());
        property_names(property, names);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        property_names(items, names);
    }
}

#[test]
fn no_field_has_a_name_that_yaml_reads_as_a_boolean() {
    // kubectl and helm read YAML 1.1, where the key `on` is `true`: such a field could not be set from YAML.
    for crd in definitions() {
        let mut names = vec![];
        property_names(root(&crd), &mut names);
        assert!(names.len() > 10);
        names.retain(|name| {
            ["on", "off", "yes", "no", "y", "n", "true", "false"].contains(&name.to_lowercase().as_str())
        });
        assert_eq!(names, Vec::<String>::new(), "{}", crd.spec.names.kind);
    }
}
