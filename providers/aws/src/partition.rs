//! AWS partitions, and the S3 endpoints in each of them.
//!
//! The SDK of each service resolves its own endpoints. Leasehold reaches the bucket of a stack's records without the S3 SDK, so the rules
//! for S3 are here: <https://docs.aws.amazon.com/general/latest/gr/s3.html>. Names and DNS suffixes of the partitions come from the SDK's
//! own table (`partitions.json` of the endpoint rule sets).

/// A partition: a group of regions with its own accounts and ARNs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// The name in ARNs: `aws`, `aws-cn`, `aws-us-gov`.
    pub name: &'static str,
    /// The suffix of the host names of its endpoints.
    pub dns_suffix: &'static str,
    /// The prefixes of the names of its regions.
    region_prefixes: &'static [&'static str],
    /// Whether S3 has endpoints with FIPS 140 validated cryptography in this partition.
    has_fips: bool,
}

/// The commercial partition. It has every region that no other partition claims.
pub const COMMERCIAL: Partition =
    Partition { name: "aws", dns_suffix: "amazonaws.com", region_prefixes: &[], has_fips: true };

const OTHERS: [Partition; 7] = [
    Partition { name: "aws-cn", dns_suffix: "amazonaws.com.cn", region_prefixes: &["cn-"], has_fips: false },
    Partition { name: "aws-us-gov", dns_suffix: "amazonaws.com", region_prefixes: &["us-gov-"], has_fips: true },
    Partition { name: "aws-iso", dns_suffix: "c2s.ic.gov", region_prefixes: &["us-iso-"], has_fips: true },
    Partition { name: "aws-iso-b", dns_suffix: "sc2s.sgov.gov", region_prefixes: &["us-isob-"], has_fips: true },
    Partition { name: "aws-iso-e", dns_suffix: "cloud.adc-e.uk", region_prefixes: &["eu-isoe-"], has_fips: true },
    Partition { name: "aws-iso-f", dns_suffix: "csp.hci.ic.gov", region_prefixes: &["us-isof-"], has_fips: true },
    Partition { name: "aws-eusc", dns_suffix: "amazonaws.eu", region_prefixes: &["eusc-"], has_fips: true },
];

/// The variant of the S3 endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointVariant {
    /// Use FIPS 140 validated cryptography: `AWS_USE_FIPS_ENDPOINT`, `use_fips_endpoint`.
    pub fips: bool,
    /// Use IPv4 and IPv6: `AWS_USE_DUALSTACK_ENDPOINT`, `use_dualstack_endpoint`.
    pub dual_stack: bool,
}

/// A requested endpoint that AWS does not offer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("S3 has no FIPS endpoint in partition {partition} (region {region})")]
pub struct NoFipsEndpointError {
    partition: &'static str,
    region: String,
}

impl Partition {
    /// The partition that contains a region.
    #[must_use]
    pub fn for_region(region: &str) -> Self {
        let claims = |partition: &&Self| partition.region_prefixes.iter().any(|prefix| region.starts_with(prefix));
        OTHERS.iter().find(claims).copied().unwrap_or(COMMERCIAL)
    }

    /// All partitions, the commercial one first.
    pub fn all_partitions() -> impl Iterator<Item = Self> {
        std::iter::once(COMMERCIAL).chain(OTHERS)
    }

    /// The partition with this name in ARNs. `None` for an unknown name.
    #[must_use]
    pub fn from_partition_name(name: &str) -> Option<Self> {
        Self::all_partitions().find(|partition| partition.name == name)
    }
}

/// The endpoint of S3 in a region, such as `https://s3.eu-west-1.amazonaws.com`.
///
/// # Errors
/// FIPS is requested in a partition that does not offer it. Any other endpoint would not meet the request.
pub fn s3_endpoint(region: &str, variant: EndpointVariant) -> Result<String, NoFipsEndpointError> {
    let partition = Partition::for_region(region);
    if variant.fips && !partition.has_fips {
        return Err(NoFipsEndpointError { partition: partition.name, region: region.to_owned() });
    }
    let service = if variant.fips { "s3-fips" } else { "s3" };
    let dual_stack = if variant.dual_stack { ".dualstack" } else { "" };
    Ok(format!("https://{service}{dual_stack}.{region}.{}", partition.dns_suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_endpoints_follow_partition_fips_and_dual_stack() {
        for (region, fips, dual_stack, endpoint) in [
            ("us-east-1", false, false, "https://s3.us-east-1.amazonaws.com"),
            ("eu-central-1", true, false, "https://s3-fips.eu-central-1.amazonaws.com"),
            ("eu-central-1", false, true, "https://s3.dualstack.eu-central-1.amazonaws.com"),
            ("us-west-2", true, true, "https://s3-fips.dualstack.us-west-2.amazonaws.com"),
            ("cn-north-1", false, false, "https://s3.cn-north-1.amazonaws.com.cn"),
            ("cn-northwest-1", false, true, "https://s3.dualstack.cn-northwest-1.amazonaws.com.cn"),
            ("us-gov-west-1", false, false, "https://s3.us-gov-west-1.amazonaws.com"),
            ("us-gov-east-1", true, false, "https://s3-fips.us-gov-east-1.amazonaws.com"),
            ("us-iso-east-1", false, false, "https://s3.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", false, false, "https://s3.us-isob-east-1.sc2s.sgov.gov"),
            ("eusc-de-east-1", false, false, "https://s3.eusc-de-east-1.amazonaws.eu"),
            ("mx-central-1", false, false, "https://s3.mx-central-1.amazonaws.com"),
        ] {
            assert_eq!(s3_endpoint(region, EndpointVariant { fips, dual_stack }).as_deref(), Ok(endpoint));
        }
    }

    #[test]
    fn fips_in_china_is_refused() {
        let refused = s3_endpoint("cn-north-1", EndpointVariant { fips: true, dual_stack: false }).unwrap_err();
        assert_eq!(refused.to_string(), "S3 has no FIPS endpoint in partition aws-cn (region cn-north-1)");
    }

    #[test]
    fn each_partition_is_found_by_its_name_and_by_its_regions() {
        for partition in OTHERS {
            assert_eq!(Partition::from_partition_name(partition.name), Some(partition));
            let region = format!("{}east-1", partition.region_prefixes[0]);
            assert_eq!(Partition::for_region(&region), partition);
        }
        assert_eq!(Partition::from_partition_name("aws-moon"), None);
    }
}
