// Package chaos holds the tests that disturb the service and demand that nothing is
// lost: real coordinators and nodes over real servers are killed, frozen, cut off
// and lied to by schedules drawn from a seed, and every song must end in the one
// final that an undisturbed run makes, picture by picture and sample by sample.
package chaos
