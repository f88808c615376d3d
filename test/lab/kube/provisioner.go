// lab-provisioner: dynamic local volumes for the lab's nodes. It runs as root beside them and mounts on their behalf.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

const (
	provisionerName       = "lab.spacecluster.dev/local"
	provisionedBy         = "pv.kubernetes.io/provisioned-by"
	selectedNode          = "volume.kubernetes.io/selected-node"
	workers               = 4
	resyncPeriod          = 30 * time.Second
	pollPeriod            = 200 * time.Millisecond
	smallest        int64 = 8 << 20
)

// provisioner holds the two caches that its decisions are read from, and one queue: keys are "claim/NAMESPACE/NAME" and "volume//NAME".
type provisioner struct {
	dir    string
	client kubernetes.Interface
	queue  workqueue.TypedRateLimitingInterface[key]
	lists  informers.SharedInformerFactory
}

type key struct{ kind, namespace, name string }

func newProvisionerCommand() *cobra.Command {
	var kubeconfig, dir string
	command := &cobra.Command{
		Use:          "lab-provisioner",
		Short:        "Makes, grows and removes the lab's local volumes.",
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			return newProvisioner(client, dir).run(command.Context())
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&dir, "dir", "", "where the volumes are kept")
	return command
}

func newProvisioner(client kubernetes.Interface, dir string) *provisioner {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[key](200*time.Millisecond, 10*time.Second)
	return &provisioner{dir, client, workqueue.NewTypedRateLimitingQueue(limiter), informers.NewSharedInformerFactory(client, resyncPeriod)}
}

func (p *provisioner) run(ctx context.Context) error {
	p.watch(p.lists.Core().V1().PersistentVolumeClaims().Informer(), "claim")
	p.watch(p.lists.Core().V1().PersistentVolumes().Informer(), "volume")
	p.lists.Storage().V1().StorageClasses().Informer()
	p.lists.Start(ctx.Done())
	p.lists.WaitForCacheSync(ctx.Done())
	for range workers {
		go p.work(ctx)
	}
	<-ctx.Done()
	p.queue.ShutDown()
	return nil
}

func (p *provisioner) watch(informer cache.SharedIndexInformer, kind string) {
	add := func(object any) {
		if item, ok := object.(meta.Object); ok {
			p.queue.Add(key{kind, item.GetNamespace(), item.GetName()})
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, object any) { add(object) }})
	if err != nil {
		klog.Fatal(err)
	}
}

func (p *provisioner) work(ctx context.Context) {
	for {
		item, stopped := p.queue.Get()
		if stopped {
			return
		}
		if err := p.reconcile(ctx, item); err != nil {
			klog.ErrorS(err, "will be tried again", "kind", item.kind, "namespace", item.namespace, "name", item.name)
			p.queue.AddRateLimited(item)
		} else {
			p.queue.Forget(item)
		}
		p.queue.Done(item)
	}
}

func (p *provisioner) reconcile(ctx context.Context, item key) error {
	if item.kind == "volume" {
		volume, err := p.lists.Core().V1().PersistentVolumes().Lister().Get(item.name)
		if err != nil {
			return ignoreMissing(err)
		}
		return p.release(ctx, volume)
	}
	claim, err := p.lists.Core().V1().PersistentVolumeClaims().Lister().PersistentVolumeClaims(item.namespace).Get(item.name)
	if err != nil {
		return ignoreMissing(err)
	}
	if claim.Spec.VolumeName != "" {
		return p.expand(ctx, claim)
	}
	return p.provision(ctx, claim)
}

// provision makes the volume of a claim whose pod has been given a node.
func (p *provisioner) provision(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	node := claim.Annotations[selectedNode]
	if node == "" || claim.DeletionTimestamp != nil || claim.Spec.StorageClassName == nil {
		return nil
	}
	class, err := p.lists.Storage().V1().StorageClasses().Lister().Get(*claim.Spec.StorageClassName)
	if err != nil || class.Provisioner != provisionerName {
		return ignoreMissing(err)
	}
	wanted := claim.Spec.Resources.Requests[core.ResourceStorage]
	size := max(wanted.Value(), smallest)
	d := disk{p.dir, node, "pvc-" + string(claim.UID)}
	if err := d.create(size); err != nil {
		return fmt.Errorf("volume for %s/%s on %s: %w", claim.Namespace, claim.Name, node, err)
	}
	mode := core.PersistentVolumeFilesystem
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: d.name, Annotations: map[string]string{provisionedBy: provisionerName}},
		Spec: core.PersistentVolumeSpec{
			Capacity:                      core.ResourceList{core.ResourceStorage: *resource.NewQuantity(size, resource.BinarySI)},
			AccessModes:                   []core.PersistentVolumeAccessMode{core.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: *class.ReclaimPolicy,
			StorageClassName:              class.Name,
			VolumeMode:                    &mode,
			PersistentVolumeSource:        core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: d.path()}},
			ClaimRef: &core.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name,
				UID: claim.UID, ResourceVersion: claim.ResourceVersion},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
				MatchExpressions: []core.NodeSelectorRequirement{{Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node}}}}}}},
		},
	}
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// release removes a released volume that is to be deleted. A retained one stays until its PersistentVolume is deleted by hand, and its data then, too.
func (p *provisioner) release(ctx context.Context, volume *core.PersistentVolume) error {
	if volume.Annotations[provisionedBy] != provisionerName || volume.Status.Phase != core.VolumeReleased ||
		volume.Spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete {
		return nil
	}
	if err := p.diskOf(volume).remove(); err != nil {
		return err
	}
	return ignoreMissing(p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{}))
}

// expand grows the volume under a bound claim that asks for more: file, device and file system first, then the objects.
func (p *provisioner) expand(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	volume, err := p.lists.Core().V1().PersistentVolumes().Lister().Get(claim.Spec.VolumeName)
	if err != nil || volume.Annotations[provisionedBy] != provisionerName {
		return ignoreMissing(err)
	}
	wanted, has := claim.Spec.Resources.Requests[core.ResourceStorage], claim.Status.Capacity[core.ResourceStorage]
	if claim.Status.Phase != core.ClaimBound || wanted.Cmp(has) <= 0 {
		return nil
	}
	if err := p.diskOf(volume).grow(wanted.Value()); errors.Is(err, errInUse) {
		p.queue.AddAfter(key{"claim", claim.Namespace, claim.Name}, pollPeriod)
		return p.sayPending(ctx, claim)
	} else if err != nil {
		return err
	}
	capacity := core.ResourceList{core.ResourceStorage: wanted}
	grown := volume.DeepCopy()
	grown.Spec.Capacity = capacity
	if _, err := p.client.CoreV1().PersistentVolumes().Update(ctx, grown, meta.UpdateOptions{}); err != nil {
		return err
	}
	served := claim.DeepCopy()
	served.Status.Capacity = capacity
	served.Status.Conditions = nil
	_, err = p.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, served, meta.UpdateOptions{})
	return err
}

// sayPending tells the claim's owner what the growth waits for, as CSI drivers that grow unmounted do.
func (p *provisioner) sayPending(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	for _, condition := range claim.Status.Conditions {
		if condition.Type == core.PersistentVolumeClaimFileSystemResizePending {
			return nil
		}
	}
	waiting := claim.DeepCopy()
	waiting.Status.Conditions = append(waiting.Status.Conditions, core.PersistentVolumeClaimCondition{
		Type: core.PersistentVolumeClaimFileSystemResizePending, Status: core.ConditionTrue, LastTransitionTime: meta.Now(),
		Message: "the file system grows when its pod is next restarted: the lab's root lacks CAP_SYS_RESOURCE, which growing a mounted ext4 needs"})
	_, err := p.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, waiting, meta.UpdateOptions{})
	return err
}

func (p *provisioner) diskOf(volume *core.PersistentVolume) disk {
	terms := volume.Spec.NodeAffinity.Required.NodeSelectorTerms
	return disk{p.dir, terms[0].MatchExpressions[0].Values[0], volume.Name}
}

func ignoreMissing(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
