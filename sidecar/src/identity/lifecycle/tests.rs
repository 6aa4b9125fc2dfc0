use super::*;
use crate::identity::secret::Secret;

fn bearer(value: &str, deadline: Instant) -> Issued {
    Issued {
        credential: Credential::Bearer(Secret::parse(value.as_bytes()).unwrap()),
        deadline,
        refresh_in: None,
        habit: Habit::default(),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn error(pace: Pace) -> ExchangeError {
    ExchangeError::new("test", pace, "it failed")
}

struct Case {
    machine: Lifecycle,
    now: Instant,
    random: fastrand::Rng,
}

impl Case {
    /// A machine that holds a credential of an hour.
    fn holding() -> Self {
        let now = Instant::now();
        let mut case = Self { machine: Lifecycle::new(now, Duration::ZERO), now, random: fastrand::Rng::with_seed(1) };
        case.succeed("one", 3600);
        case
    }

    fn succeed(&mut self, value: &str, lifetime: u64) {
        self.machine.attempt();
        self.machine.succeeded(bearer(value, self.now + seconds(lifetime)), self.now, &mut self.random);
    }

    fn fail(&mut self, error: ExchangeError) {
        self.machine.attempt();
        self.machine.failed(error, self.now, &mut self.random);
    }

    fn due_in(&self) -> f64 {
        self.machine.due().saturating_duration_since(self.now).as_secs_f64()
    }

    fn is_ready(&self) -> bool {
        matches!(self.machine.look(self.now), Look::Ready(_))
    }
}

#[test]
fn renewal_comes_before_the_end_and_when_the_issuer_wishes() {
    let (none, metadata) = (Habit::default(), Habit { keeps_until: Some(seconds(240)), ..Habit::default() });
    for (left, wished, habit, from, to) in [
        (3600, None, none, 2565.0, 2835.0),
        (86_400, Some(43_200), none, 41_040.0, 45_360.0),
        (3600, Some(3600), none, 2565.0, 2835.0),
        (3600, Some(0), none, 2565.0, 2835.0),
        (3600, Some(3500), none, 3300.0, 3300.0),
        (60, None, none, 42.75, 47.25),
        (15, None, none, 10.0, 11.8125),
        (3599, None, metadata, 3359.0, 3389.0),
        (230, None, metadata, 10.0, 30.0),
    ] {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let due = renewal(seconds(left), wished.map(seconds), habit, &mut random).as_secs_f64();
            assert!((from..=to).contains(&due), "{left} {wished:?} {habit:?}: {due}");
        }
    }
}

#[test]
fn back_off_grows_to_its_cap_and_never_stops() {
    for (pace, failures, least, most) in [
        (Pace::Soon, 1, 0.25, 0.5),
        (Pace::Soon, 4, 0.25, 4.0),
        (Pace::Soon, 8, 0.25, 60.0),
        (Pace::Soon, u32::MAX, 0.25, 60.0),
        (Pace::Later, 1, 7.5, 15.0),
        (Pace::Later, 3, 30.0, 60.0),
        (Pace::Later, u32::MAX, 150.0, 300.0),
        (Pace::Rarely, 1, 270.0, 300.0),
        (Pace::Rarely, 99, 270.0, 300.0),
    ] {
        for seed in 0..200 {
            let pause = backoff(pace, failures, &mut fastrand::Rng::with_seed(seed)).as_secs_f64();
            assert!((least..=most).contains(&pause), "{pace:?} {failures}: {pause}");
        }
    }
}

#[test]
fn a_valid_credential_is_used_whatever_fails_and_ends_ten_seconds_early() {
    let mut case = Case::holding();
    let born = case.now;
    for _ in 0..20 {
        case.now += seconds(150);
        case.fail(error(Pace::Soon));
        assert!(case.is_ready());
    }
    case.now = born + seconds(3589);
    assert!(case.is_ready());
    case.now = born + seconds(3590);
    let Look::Failed(told, _) = case.machine.look(case.now) else { panic!("no failure") };
    assert_eq!(told.reason, "test");
    case.succeed("two", 3600);
    assert!(case.is_ready());
}

#[test]
fn of_a_short_credential_the_last_tenth_is_not_used() {
    let mut case = Case::holding();
    case.succeed("short", 30);
    let born = case.now;
    case.fail(error(Pace::Later));
    case.now = born + seconds(26);
    assert!(case.is_ready());
    case.now = born + seconds(27);
    assert!(!case.is_ready());
}

#[test]
fn an_ended_credential_is_used_on_only_where_its_issuer_is_known_for_it_and_cannot_be_reached() {
    for (grace, pace, expected) in
        [(900, Pace::Soon, true), (900, Pace::Later, false), (0, Pace::Soon, false), (300, Pace::Soon, false)]
    {
        let mut case = Case::holding();
        let habit = Habit { grace: seconds(grace), ..Habit::default() };
        let issued = Issued { habit, ..bearer("two", case.now + seconds(3600)) };
        case.machine.succeeded(issued, case.now, &mut case.random);
        case.now += seconds(3600 + 600);
        assert!(!case.is_ready(), "no exchange has failed yet");
        case.fail(error(pace));
        assert_eq!(case.is_ready(), expected, "{grace} {pace:?}");
    }
}

#[test]
fn a_service_that_asks_to_be_left_alone_is_left_alone_up_to_five_minutes() {
    for (asked, from, to) in [(120, 120.0, 120.0), (3600, 300.0, 300.0), (0, 0.25, 0.5)] {
        let mut case = Case::holding();
        case.fail(error(Pace::Soon).after(Some(seconds(asked))));
        assert!((from..=to).contains(&case.due_in()), "{asked}: {}", case.due_in());
        // Neither a refusal by a provider, nor a changed file, nor a jump brings it forward.
        if asked > 0 {
            assert_eq!(case.machine.refused(1, case.now), Refusal::Stands);
            case.machine.changed(case.now);
            case.machine.jumped(case.now, Duration::ZERO);
            assert!(case.due_in() >= from, "{asked}");
        }
    }
}

#[test]
fn the_same_credential_again_is_no_progress_and_no_reason_to_spin() {
    let mut case = Case::holding();
    case.now += seconds(3360);
    let mut asked = 0;
    while case.is_ready() {
        case.succeed("one", 3600 - age(&case));
        asked += 1;
        case.now += Duration::from_secs_f64(case.due_in());
    }
    assert!((4..=12).contains(&asked), "{asked}");
    let Look::Wait = case.machine.look(case.now) else { panic!("it waits for the exchange that is due") };
    assert_eq!(case.machine.refused(1, case.now), Refusal::Due, "the generation is still the first");
}

/// Seconds since the case began.
fn age(case: &Case) -> u64 {
    case.now.saturating_duration_since(case.machine.born).as_secs()
}

#[test]
fn a_refused_credential_is_renewed_once_in_ten_seconds_however_often_it_is_refused() {
    let mut case = Case::holding();
    case.now += seconds(100);
    assert_eq!(case.machine.refused(1, case.now), Refusal::Due);
    assert!(case.due_in() <= 0.0);
    assert_eq!(case.machine.refused(1, case.now), Refusal::Due, "they share one exchange");
    assert!(case.is_ready(), "others go on with it");
    case.succeed("two", 3600);
    assert_eq!(case.machine.refused(1, case.now), Refusal::Newer);
    case.now += seconds(5);
    assert_eq!(case.machine.refused(2, case.now), Refusal::Stands);
    assert!(case.due_in() > 100.0);
    case.now += seconds(6);
    assert_eq!(case.machine.refused(2, case.now), Refusal::Due);
}

#[test]
fn in_the_first_seconds_of_a_pod_requests_wait_for_what_will_pass_and_are_told_of_what_will_not() {
    let now = Instant::now();
    for (pace, age, waits) in
        [(Pace::Soon, 1, true), (Pace::Soon, 13, false), (Pace::Later, 1, false), (Pace::Rarely, 1, false)]
    {
        let mut machine = Lifecycle::new(now, seconds(2));
        machine.wanted(now);
        assert_eq!(machine.due(), now, "a request does not wait for the jitter");
        machine.attempt();
        machine.failed(error(pace), now, &mut fastrand::Rng::with_seed(1));
        let later = now + seconds(age);
        machine.wanted(later);
        assert_eq!(matches!(machine.look(later), Look::Wait), waits, "{pace:?} {age}");
        assert!(machine.due() > now, "wanting does not hurry what has failed");
    }
}

#[test]
fn a_change_or_a_jump_brings_the_next_exchange_forward() {
    let mut case = Case::holding();
    case.machine.changed(case.now);
    assert!(case.due_in() > 100.0, "all is well, nothing to hurry");
    case.fail(error(Pace::Rarely));
    case.machine.changed(case.now);
    assert!(case.due_in() <= 0.0);
    case.succeed("two", 3600);
    case.machine.jumped(case.now, seconds(1));
    assert!((0.9..=1.0).contains(&case.due_in()));
    assert!(case.is_ready());
}
